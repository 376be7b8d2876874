"""Built beside the running servers. An attempt that gave up leaves a broken index, and comes again."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

IN_THE_INBOX = Q(("is_listed", True), ("archived_at", None), ("snoozed_until", None))
ORDER = ["user", "-created_at", "-id"]
INDEXES = {
    "notification_in_inbox": IN_THE_INBOX,
    "notification_not_read": IN_THE_INBOX & Q(read_at=None),
}


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("notifications", "0003_a_group_is_about_one_tenant")]

    operations = [
        *(
            migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop)
            for name in INDEXES
        ),
        *(
            AddIndexConcurrently(
                "notification",
                models.Index(
                    fields=ORDER, include=["organization"], condition=condition, name=name
                ),
            )
            for name, condition in INDEXES.items()
        ),
        RemoveIndexConcurrently("notification", "notification_inbox"),
        RemoveIndexConcurrently("notification", "notification_unread"),
    ]
