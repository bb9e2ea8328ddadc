from django.db import migrations

# A foreign key is checked at COMMIT. PostgreSQL itself has to clear or remove the rows that refer to a deleted
# user or API key: Django does it in statements of its own before, and a row that another transaction commits
# after these would make the deletion fail. Nullable columns become null, other rows go, as the models say.
_RECREATE = """
DO $$
DECLARE
    reference record;
BEGIN
    FOR reference IN
        SELECT con.conrelid::regclass AS referring, con.confrelid::regclass AS referred, con.conname,
               att.attname, CASE WHEN att.attnotnull THEN 'CASCADE' ELSE 'SET NULL' END AS action
        FROM pg_constraint AS con
        JOIN pg_attribute AS att ON att.attrelid = con.conrelid AND att.attnum = con.conkey[1]
        WHERE con.contype = 'f'
          AND con.confrelid IN ('persons_user'::regclass, 'persons_personalapikey'::regclass)
    LOOP
        EXECUTE format(
            'ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I FOREIGN KEY (%I) REFERENCES %s (id)
             ON DELETE %s DEFERRABLE INITIALLY DEFERRED',
            reference.referring, reference.conname, reference.conname, reference.attname, reference.referred,
            reference.action
        );
    END LOOP;
END
$$
"""


class Migration(migrations.Migration):

    dependencies = [
        ('persons', '0012_packed_outbox'),
        # The tables of others that refer to users.
        ('admin', '0003_logentry_add_action_flag_choices'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [migrations.RunSQL(_RECREATE, migrations.RunSQL.noop)]
