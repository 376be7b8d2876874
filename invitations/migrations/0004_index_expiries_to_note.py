"""Built beside the running servers. An attempt that gave up leaves a broken index, and comes again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("invitations", "0003_note_expiry_and_previews")]

    operations = [
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS invitation_expiry_to_note", migrations.RunSQL.noop
        ),
        AddIndexConcurrently(
            model_name="invitation",
            index=models.Index(condition=models.Q(('accepted_at', None), ('declined_at', None), ('revoked_at', None), ('expiry_noted_at', None)), fields=['expires_at'], name='invitation_expiry_to_note'),
        ),
    ]
