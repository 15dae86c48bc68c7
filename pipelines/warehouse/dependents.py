"""Whose view depends on what changed, though nothing of their own did; and of which records that view is made.

A row of one person may depend on records of another: who bought in one order, what our own records of outreach tell of a
message that providers report too, the chats and surveys of one ticket, what happened to one mail at one address. Such
records are linked. Tables of the company as a whole are compared with what they said before.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def widen_threads(connection: "duckdb.DuckDBPyConnection") -> None:
    """Take all mails of a thread that a new mail belongs to: whose thread it is follows from the mails between."""
    connection.execute(_THREADS)


def remember(connection: "duckdb.DuckDBPyConnection") -> None:
    """Keep what the models before identity are about to replace, to compare it with what they leave."""
    connection.execute(_LINKS)
    connection.execute(_REMEMBER)


def mass_texts_changed(connection: "duckdb.DuckDBPyConnection") -> bool:
    """Say whether other texts than before go to many people."""
    return bool(connection.execute(_OTHER_MASS_TEXTS).fetchall()[0][0])


def find_dependents(connection: "duckdb.DuckDBPyConnection") -> None:
    """Put into `increment.people` whoever's view depends on the records, people and tables that changed."""
    for step in (_ADDRESSES, _PRODUCTS, _TOUCHED, _DEPENDENTS):
        connection.execute(step)


def link_records(connection: "duckdb.DuckDBPyConnection") -> None:
    """Make `increment.linked_records`: all that the views of `increment.people` are made of, and little else."""
    connection.execute(_LINKED)
    connection.execute(_MEANT)


_THREADS = """
    INSERT INTO increment.records
    WITH RECURSIVE named AS (
        SELECT source, source_record_id, message_id AS name FROM landing.email_messages
        UNION ALL
        SELECT source, source_record_id, thread_id AS name FROM landing.email_messages
    ),
    names AS (
        SELECT name FROM named SEMI JOIN increment.records USING (source, source_record_id)
        UNION
        SELECT others.name
        FROM names
        INNER JOIN named AS here ON names.name = here.name
        INNER JOIN named AS others ON here.source = others.source AND here.source_record_id = others.source_record_id
    )
    SELECT DISTINCT source, source_record_id FROM named WHERE name IN (FROM names)
    EXCEPT FROM increment.records
"""

# A link is a number of 64 bits: two that are one by chance add people and take none away. A provider may give one number to
# a mail to thousands, so messages are linked only where our own records name them.
_LINKS = """
    CREATE OR REPLACE VIEW increment.our_messages AS -- those that a record named before it changed, too
    SELECT message_id FROM staging.stg_landing__outreach WHERE message_id IS NOT NULL
    UNION ALL
    SELECT message_id FROM landing.outreach SEMI JOIN increment.records USING (source, source_record_id)
    WHERE message_id IS NOT NULL;

    CREATE OR REPLACE VIEW increment.links AS
    SELECT source, source_record_id, hash('order', source, order_id) AS link FROM staging.stg_landing__purchases
    WHERE order_id IS NOT NULL
    UNION ALL
    SELECT source, source_record_id, hash('message', message_id) FROM staging.stg_landing__outreach
    WHERE message_id IS NOT NULL
    UNION ALL
    SELECT source, source_record_id, hash('message', message_id) FROM staging.stg_landing__email_messages
    WHERE message_id IN (FROM increment.our_messages)
    UNION ALL
    SELECT source, source_record_id, hash('message', message_id) FROM staging.stg_landing__sms_messages
    WHERE message_id IN (FROM increment.our_messages)
    UNION ALL
    SELECT source, source_record_id, hash('message', message_ref) FROM staging.stg_landing__email_events
    WHERE message_ref IN (FROM increment.our_messages)
    UNION ALL
    SELECT source, source_record_id, hash('mail', email, coalesce(message_ref, '')) FROM staging.stg_landing__email_events
    WHERE email IS NOT NULL
    UNION ALL
    SELECT source, source_record_id, hash('ticket', source, conversation_id) FROM staging.stg_landing__chat_messages
    WHERE conversation_id IS NOT NULL
    UNION ALL
    SELECT source, source_record_id, hash('ticket', source, ticket_id) FROM staging.stg_landing__tickets
    WHERE ticket_id IS NOT NULL
    UNION ALL
    SELECT source, source_record_id, hash('ticket', source, ticket_id) FROM staging.stg_landing__survey_responses
    WHERE ticket_id IS NOT NULL;
"""

_REMEMBER = """
    CREATE OR REPLACE TABLE increment.former_links AS
    SELECT DISTINCT link FROM increment.links SEMI JOIN increment.records USING (source, source_record_id);
    CREATE OR REPLACE TABLE increment.former_mass_texts AS FROM intermediate.int_texts__mass_texts;
    CREATE OR REPLACE TABLE increment.former_proven AS FROM intermediate.int_addresses__proven;
    CREATE OR REPLACE TABLE increment.former_dead AS FROM intermediate.int_addresses__dead;
    CREATE OR REPLACE TABLE increment.former_products AS FROM intermediate.int_catalogue__products;
"""

_OTHER_MASS_TEXTS = """
    SELECT count(*) FROM (
        (SELECT skeleton FROM intermediate.int_texts__mass_texts EXCEPT SELECT skeleton FROM increment.former_mass_texts)
        UNION ALL
        (SELECT skeleton FROM increment.former_mass_texts EXCEPT SELECT skeleton FROM intermediate.int_texts__mass_texts)
    )
"""

# a number or address that began or ceased to work is a matter of whoever is best reached there
_ADDRESSES = """
    INSERT INTO increment.people
    WITH changed AS (
        SELECT value FROM (FROM intermediate.int_addresses__proven EXCEPT FROM increment.former_proven)
        UNION ALL
        SELECT value FROM (FROM increment.former_proven EXCEPT FROM intermediate.int_addresses__proven)
        UNION ALL
        SELECT value FROM (FROM intermediate.int_addresses__dead EXCEPT FROM increment.former_dead)
        UNION ALL
        SELECT value FROM (FROM increment.former_dead EXCEPT FROM intermediate.int_addresses__dead)
    )
    SELECT customer_id FROM intermediate.int_profile__golden WHERE email IN (FROM changed) OR phone IN (FROM changed)
"""

_PRODUCTS = """
    INSERT INTO increment.people
    WITH changed AS (
        (
            SELECT source, product_id, name, category FROM intermediate.int_catalogue__products
            EXCEPT
            SELECT source, product_id, name, category FROM increment.former_products
        )
        UNION ALL
        (
            SELECT source, product_id, name, category FROM increment.former_products
            EXCEPT
            SELECT source, product_id, name, category FROM intermediate.int_catalogue__products
        )
    )
    SELECT DISTINCT customer_id FROM intermediate.int_purchases__lines
    SEMI JOIN changed USING (source, product_id)
    WHERE customer_id IS NOT NULL
"""

# Records of somebody become nobody's, and the other way round: what rows of people and of nobody were made of before counts.
_TOUCHED = """
    CREATE OR REPLACE VIEW increment.former_rows AS
    SELECT customer_id, source, source_record_id FROM intermediate.int_purchases__lines
    UNION ALL SELECT customer_id, source, source_record_id FROM intermediate.int_shipments__shipments
    UNION ALL SELECT customer_id, source, source_record_id FROM intermediate.int_engagement__email_events
    UNION ALL SELECT customer_id, source, source_record_id FROM intermediate.int_outreach__touches
    UNION ALL SELECT customer_id, source, source_record_id FROM intermediate.int_feedback__judged
    UNION ALL SELECT customer_id, source, source_record_id FROM intermediate.int_consents__imports;

    CREATE OR REPLACE VIEW increment.meant AS -- what was meant for one of these people, under whatever id they had
    SELECT source, source_record_id FROM staging.stg_landing__outreach
    WHERE customer_ref IN (
        FROM increment.people
        UNION ALL
        SELECT old_customer_id FROM identity.identity_alias WHERE customer_id IN (FROM increment.people)
    );

    CREATE OR REPLACE TABLE increment.touched AS
    WITH changed AS (
        FROM increment.records
        UNION
        SELECT source, source_record_id FROM identity.identity_map WHERE customer_id IN (FROM increment.people)
        UNION
        SELECT source, source_record_id FROM increment.former_rows WHERE customer_id IN (FROM increment.people)
        UNION
        SELECT source, source_record_id FROM increment.meant
    ),
    links AS (
        SELECT link FROM increment.links SEMI JOIN changed USING (source, source_record_id)
        UNION
        FROM increment.former_links
    )
    SELECT source, source_record_id FROM increment.links WHERE link IN (FROM links)
    UNION
    FROM changed;
"""

# a message is of whom it was meant for, and that may be another than its address says
_DEPENDENTS = """
    CREATE OR REPLACE TABLE increment.people AS
    FROM increment.people
    UNION
    SELECT customer_id FROM identity.identity_map SEMI JOIN increment.touched USING (source, source_record_id)
    UNION
    SELECT customer_id FROM intermediate.int_outreach__touches SEMI JOIN increment.touched USING (source, source_record_id)
    WHERE customer_id IS NOT NULL
    UNION
    SELECT coalesce(aliases.customer_id, outreach.customer_ref)
    FROM staging.stg_landing__outreach AS outreach
    SEMI JOIN increment.touched USING (source, source_record_id)
    LEFT JOIN identity.identity_alias AS aliases ON outreach.customer_ref = aliases.old_customer_id
    WHERE outreach.customer_ref IS NOT NULL
"""

_LINKED = """
    CREATE OR REPLACE TABLE increment.linked_records AS
    WITH own AS (
        FROM increment.records
        UNION
        SELECT source, source_record_id FROM identity.identity_map WHERE customer_id IN (FROM increment.people)
        UNION
        SELECT source, source_record_id FROM increment.former_rows
        WHERE customer_id IS NULL OR customer_id IN (FROM increment.people)
        UNION
        SELECT source, source_record_id FROM increment.meant
    ),
    links AS (SELECT link FROM increment.links SEMI JOIN own USING (source, source_record_id))
    FROM own
    UNION
    SELECT source, source_record_id FROM increment.links WHERE link IN (FROM links)
"""

# whom a message was meant for is looked up among the living, so one of whom it names has to be seen to live
_MEANT = """
    INSERT INTO increment.linked_records
    WITH meant AS (
        SELECT customer_ref FROM staging.stg_landing__outreach
        SEMI JOIN increment.linked_records USING (source, source_record_id)
    )
    SELECT source, source_record_id FROM identity.identity_map WHERE customer_id IN (FROM meant)
    EXCEPT FROM increment.linked_records
"""
