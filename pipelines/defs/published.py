"""What leaves the warehouse: the release. The consents that came with its data are in the store by then (consented.py)."""

from dataclasses import replace

from dagster import AssetExecutionContext, AssetsDefinition, MaterializeResult, asset

from data_contracts.contracts import contract_names
from pipelines.defs.described import Words, describe_release, leave_dictionary, leave_models, release_comments
from pipelines.defs.keys import key
from pipelines.defs.resources import session_of
from pipelines.defs.session import BuildSession
from pipelines.publishing.changes import compare
from pipelines.publishing.gc import PAST
from pipelines.publishing.history import Recorded, Telling, hand_on_history, record_history
from pipelines.publishing.notes import release_notes
from pipelines.publishing.pointer import Pointer, read_pointer
from pipelines.publishing.release import ReleaseFacts, publish, publish_past, release_version
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.dbt_runner import manifest_path, tables_of_customers
from pipelines.warehouse.increment import finish, require_own
from pipelines.warehouse.records import watermarks, write_landed_files

GROUP = "release"


def release_asset(models: AssetsDefinition) -> AssetsDefinition:
    """Make the release asset; it stands on every mart."""
    marts = [spec.key for spec in models.specs if spec.group_name == "marts"]

    @asset(
        key=key("release"),
        deps=[*marts, key("identity", "identity_alias"), key("store_consents")],
        group_name=GROUP,
        required_resource_keys={"build"},
        description="One read-only file with every published table; current.json names the newest.",
    )
    def release(context: AssetExecutionContext) -> MaterializeResult[None]:
        """Publish what was built."""
        session = session_of(context)
        with session.stage("release") as stage:
            settings = session.settings
            with open_warehouse(settings.build_path) as connection:
                write_landed_files(connection)
                newest = watermarks(connection, contract_names("inbound"))
                session.notes += release_notes(connection)
            before = None if session.past else read_pointer(settings.releases_dir)
            session.changes = compare(settings.build_path, settings.releases_dir, before)
            session.history = _remember(session, before)
            session.notes += [session.history.note] if session.history.note else []
            facts = ReleaseFacts(
                as_of=session.as_of,
                built_at=session.clock.now(),
                build_id=session.build_id,
                run_id=session.run_id,
                watermarks=newest,
                changes=session.changes,
                notes=session.notes,
            )
            words = describe_release(session)
            session.pointer = _publish(session, facts, words)
            if not session.past:
                leave_dictionary(session, words)
                leave_models(session)
            stage.rows = sum(session.pointer.row_counts.values())
        place = f"{PAST}/{session.pointer.file}" if session.past else session.pointer.file
        return MaterializeResult(
            metadata={"version": session.pointer.version, "file": place, **session.pointer.row_counts}
        )

    return release


def _publish(session: BuildSession, facts: ReleaseFacts, words: Words) -> Pointer:
    """Write the release, and note that the next build may begin from what is in the warehouse now."""
    settings, comments = session.settings, release_comments(words)
    if session.past:
        return publish_past(settings.build_path, settings.releases_dir, facts, comments=comments)
    if session.whole and session.basis:
        with open_warehouse(settings.build_path, read_only=True) as connection:
            require_own(connection)
    pointer = publish(
        settings.build_path,
        settings.releases_dir,
        facts,
        comments=comments,
        by_people=tables_of_customers(manifest_path(settings)),
        since=session.basis.release if session.basis and session.increment.is_part else None,
    )
    if session.whole and session.basis:
        with open_warehouse(settings.build_path) as connection:
            finish(connection, replace(session.basis, release=facts.version))
    return pointer


def _remember(session: BuildSession, before: Pointer | None) -> Recorded:
    """Write down what this build knows otherwise than the last one; a past day is told as it was known by then."""
    if session.past:
        hand_on_history(session.settings.build_path, session.settings.state_path, session.as_of)
        return Recorded()
    telling = Telling(session.build_id, session.as_of, release_version(session.as_of, session.build_id))
    stands = before.version if before else None
    return record_history(session.settings.build_path, session.settings.state_path, telling, stands)
