from typing import Any

from django.db import migrations, models

OPEN = models.Q(is_group_open=True)
CONSTRAINTS = [
    models.UniqueConstraint(
        fields=["user", "organization", "group_key"],
        condition=OPEN,
        name="notification_one_open_group",
    ),
    models.UniqueConstraint(
        fields=["user", "group_key"],
        condition=OPEN & models.Q(organization=None),
        name="notification_one_open_group_about_no_tenant",
    ),
]
MADE = """
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {name}
ON notifications_notification ({columns}) WHERE is_group_open{more}
"""
RENAMED = "ALTER INDEX IF EXISTS {old} RENAME TO {new}"
DROPPED = "DROP INDEX CONCURRENTLY IF EXISTS {name}"


def made(name: str, columns: str, more: str = "") -> Any:
    return migrations.RunSQL(
        MADE.format(name=name, columns=columns, more=more), DROPPED.format(name=name)
    )


class Migration(migrations.Migration):
    """Indexes are built beside a table in use; a group that is open by the old one stays unique."""

    atomic = False

    dependencies = [
        ("notifications", "0002_push_devices"),
        ("organizations", "0002_invariants_across_rows"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                made("notification_one_open_group_of_tenant", "user_id, organization_id, group_key"),
                made(
                    "notification_one_open_group_about_no_tenant",
                    "user_id, group_key",
                    " AND organization_id IS NULL",
                ),
                migrations.RunSQL(
                    DROPPED.format(name="notification_one_open_group"),
                    MADE.format(
                        name="notification_one_open_group", columns="user_id, group_key", more=""
                    ),
                ),
                migrations.RunSQL(
                    RENAMED.format(
                        old="notification_one_open_group_of_tenant",
                        new="notification_one_open_group",
                    ),
                    RENAMED.format(
                        old="notification_one_open_group",
                        new="notification_one_open_group_of_tenant",
                    ),
                ),
            ],
            state_operations=[
                migrations.RemoveConstraint("notification", "notification_one_open_group"),
                *(migrations.AddConstraint("notification", one) for one in CONSTRAINTS),
            ],
        )
    ]
