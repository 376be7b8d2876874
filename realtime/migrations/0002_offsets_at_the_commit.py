"""Messages are counted at the commit, by the database.

A transaction may say something on several streams, early on, and go on for long: a counter that it
took then would make everybody else on the stream wait, and two transactions that take two counters
in different orders would block each other. So a deferred trigger counts all the messages of a
transaction in one statement, its last, in the order of the streams' names: the counters are held
for the moment of the commit alone, and never crosswise. Who rolls back leaves no gap.
"""

from django.db import migrations

COUNT = """
CREATE FUNCTION realtime_count_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- The first message of the transaction counts them all: uncounted ones that we see are our own.
  PERFORM FROM realtime_streammessage WHERE id = NEW.id AND "offset" IS NULL;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  WITH said AS (
    SELECT stream, count(*) AS number FROM realtime_streammessage
    WHERE "offset" IS NULL GROUP BY stream ORDER BY stream
  ), counted AS (
    INSERT INTO realtime_stream AS s (name, epoch, last_offset, trimmed_offset, created_at)
    SELECT stream, substr(md5(random()::text), 1, 8), number, 0, now() FROM said ORDER BY stream
    ON CONFLICT (name) DO UPDATE SET last_offset = s.last_offset + excluded.last_offset
    RETURNING name, last_offset
  ), numbered AS (
    SELECT m.id, counted.last_offset - count(*) OVER (PARTITION BY m.stream)
      + row_number() OVER (PARTITION BY m.stream ORDER BY m.id) AS position
    FROM realtime_streammessage m JOIN counted ON counted.name = m.stream
    WHERE m."offset" IS NULL
  )
  UPDATE realtime_streammessage m SET "offset" = numbered.position
    FROM numbered WHERE numbered.id = m.id;
  RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER stream_messages_are_counted
  AFTER INSERT ON realtime_streammessage DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW."offset" IS NULL) EXECUTE FUNCTION realtime_count_messages();
"""

UNCOUNTED = """
DROP TRIGGER stream_messages_are_counted ON realtime_streammessage;
DROP FUNCTION realtime_count_messages();
"""


class Migration(migrations.Migration):
    dependencies = [("realtime", "0001_streams")]

    operations = [migrations.RunSQL(COUNT, UNCOUNTED)]
