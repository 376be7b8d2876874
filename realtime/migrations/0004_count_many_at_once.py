"""Counting what one transaction said takes as long as it said much, and no longer.

The planner knows nothing of rows that were inserted a moment ago, takes them for one, and joins
them by going through all for each: 1 200 messages took a second and 5 000 a statement's time-out.
Without that choice it hashes them.
"""

from importlib import import_module

from django.db import migrations

COUNT = """
CREATE OR REPLACE FUNCTION realtime_count_messages() RETURNS trigger
LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
  -- The first message of the transaction counts them all: uncounted ones that we see are our own.
  IF (SELECT "offset" FROM realtime_streammessage WHERE id = NEW.id) IS NOT NULL THEN
    RETURN NULL;
  END IF;
  WITH said AS MATERIALIZED (
    SELECT id, stream, count(*) OVER (PARTITION BY stream) AS number,
      row_number() OVER (PARTITION BY stream ORDER BY id) AS place
    FROM realtime_streammessage WHERE "offset" IS NULL
  ), counted AS (
    INSERT INTO realtime_stream AS s (name, epoch, last_offset, trimmed_offset, created_at)
    SELECT stream, substr(md5(random()::text), 1, 8), max(number), 0, now()
    FROM said GROUP BY stream ORDER BY stream
    ON CONFLICT (name) DO UPDATE SET last_offset = s.last_offset + excluded.last_offset
    RETURNING name, last_offset
  )
  UPDATE realtime_streammessage m SET "offset" = counted.last_offset - said.number + said.place
    FROM said JOIN counted ON counted.name = said.stream
    WHERE m.id = said.id AND m."offset" IS NULL;
  RETURN NULL;
END
$$;
"""
before = import_module("realtime.migrations.0002_offsets_at_the_commit")
COUNT_BEFORE = before.COUNT.partition("CREATE CONSTRAINT TRIGGER")[0]


class Migration(migrations.Migration):
    dependencies = [("realtime", "0003_sender")]

    operations = [
        migrations.RunSQL(
            COUNT, COUNT_BEFORE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
        ),
    ]
