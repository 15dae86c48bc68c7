"""The front door: one command that mounts what each package offers, and turns every failure into a sentence."""

import logging
import os
import sys
import traceback

import structlog
import typer

from data_contracts.errors import RapportError

DEBUG = "Run the same command with --debug."
HELP = "Rapport: one trusted view of each customer, and personal, consented, well-timed messages from it."


def build_app() -> typer.Typer:
    """Mount the commands of pipelines, messaging and dashboard side by side."""
    from dashboard.cli import app as dashboard_app
    from dashboard.doctor import app as doctor_app
    from messaging.cli import app as messaging_app
    from pipelines.cli import app as pipelines_app

    app = typer.Typer(
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    for part in (pipelines_app, messaging_app, dashboard_app, doctor_app):
        app.add_typer(part)
    return app


def main() -> None:
    """Run one command. Exit 0 when done, 1 when refused or failed (one sentence), 2 on wrong usage."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    quiet_libraries()
    log_to_standard_error()
    try:
        build_app()()
    except RapportError as error:
        _explain(str(error), debug=debug)
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:  # `rapport ... | head` closed its end: not a failure of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except OSError as error:
        _explain(_about_file(error), debug=debug)
        raise SystemExit(1) from None
    except Exception as error:  # noqa: BLE001 - the last resort: nobody is shown a stack trace unasked
        _explain(
            f"Something went wrong that we did not foresee ({type(error).__name__}). {DEBUG}", debug=debug
        )
        raise SystemExit(1) from None


def quiet_libraries() -> None:
    """Keep other people's telemetry off and their chatter out of our output."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    logging.getLogger("twilio.http_client").setLevel(logging.WARNING)  # it logs addresses


def log_to_standard_error() -> None:
    """Write our log as JSON lines on standard error: standard output belongs to a command's result.

    A command that runs on tells what it does; of the others a person only wants to know what went wrong.
    """
    runs_on = sys.argv[1:2] == ["dispatch"] or sys.argv[1:3] == ["notifications", "watch"]
    level = logging.INFO if runs_on else logging.WARNING
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # today's: somebody may have replaced it
    )


def _about_file(error: OSError) -> str:
    """Say which file or folder could not be used, and why: most often RAPPORT_HOME is not ours to write."""
    why = (error.strerror or type(error).__name__).lower()
    if error.filename is None:
        return f"The system refused what we asked of it ({why}). {DEBUG}"
    return f"{error.filename} cannot be used ({why}). Check the path and its rights, and where RAPPORT_HOME points."


def _explain(sentence: str, *, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    sys.stderr.write(f"rapport: {sentence}\n")


if __name__ == "__main__":
    main()
