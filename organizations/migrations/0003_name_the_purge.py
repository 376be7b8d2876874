from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("organizations", "0002_invariants_across_rows")]

    operations = [
        migrations.AlterField(
            model_name="organization",
            name="deletion_due_at",
            field=models.DateTimeField(null=True, verbose_name="purge due"),
        ),
    ]
