"""Built beside the running servers. An attempt that gave up leaves a broken index, and comes again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0003_hint_at_mailed_tokens")]

    operations = [
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS mailed_token_hint", migrations.RunSQL.noop
        ),
        AddIndexConcurrently(
            model_name="mailedtoken",
            index=models.Index(condition=models.Q(('hint', ''), _negated=True), fields=['hint'], name='mailed_token_hint'),
        ),
    ]
