from django.db import migrations


class Migration(migrations.Migration):
    """Every commit that wrote to the outbox wakes the flusher (persons/outbox/flusher.py listens)."""

    dependencies = [("persons", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql="""
            CREATE FUNCTION persons_notify_outbox() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN NOTIFY persons_outbox; RETURN NULL; END $$;

            CREATE TRIGGER persons_outbox_notifies AFTER INSERT ON persons_outbox
            FOR EACH STATEMENT EXECUTE FUNCTION persons_notify_outbox();

            CREATE TRIGGER persons_erasure_notifies AFTER INSERT ON persons_projecterasure
            FOR EACH STATEMENT EXECUTE FUNCTION persons_notify_outbox();
            """,
            reverse_sql="""
            DROP TRIGGER persons_erasure_notifies ON persons_projecterasure;
            DROP TRIGGER persons_outbox_notifies ON persons_outbox;
            DROP FUNCTION persons_notify_outbox;
            """,
        )
    ]
