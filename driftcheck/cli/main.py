"""The command `driftcheck`: what it offers, and one place that turns whatever happens into an exit status."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import Final, NoReturn

import click

from driftcheck import __version__
from driftcheck.cli import console
from driftcheck.errors import DriftcheckError, ExitStatus

COMPLETION: Final = "_DRIFTCHECK_COMPLETE"
"""Set by a shell that asks click for completions, which click answers before it ends the process itself."""
INTERRUPTED: Final = 130
TERMINATED: Final = 143

_KEY_OPTIONS: Final = frozenset(("--api-key", "--api_key", "--apikey", "--key", "--token"))
"""Options that people look for, and that there are none of: what is on a command line is no secret."""

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "check": ("check", "Compare declared with live, field by field: the main job, for CI."),
    "validate": ("validate", "Check the declarations alone: YAML, schema and rules. Offline."),
    "audit": ("audit", "Check the whole workspace: unmanaged deployments, coverage, rollouts."),
    "report": ("report", "Render a saved JSON report in any format. Offline."),
    "snapshot": ("snapshot", "Save the live listing, redacted, for --live."),
    "compare": ("compare", "Compare two snapshots, or a snapshot with now."),
    "export": ("export", "Write declarations from what is live."),
    "init": ("init", "Start: a configuration and first declarations."),
    "explain": ("explain", "Explain a rule or a field."),
    "schema": ("schema", "Print a JSON Schema: declaration, config, report or snapshot."),
    "emulate": ("emulate", "Serve a snapshot on loopback as the endpoint would."),
}
"""Every command: its module beside this one, loaded when it is called, and its line in the help."""


class _Terminated(BaseException):
    """The process was asked to end."""


def _show_help(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        console.write(f"{context.get_help()}\n")
        context.exit()


def _show_version(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        console.write(f"driftcheck {__version__}\n")
        context.exit()


def _answer_help(option: click.Option | None) -> click.Option | None:
    """Have help written as reports are: click takes a closed standard output for success, and fails at a full one."""
    if option is not None:
        option.callback = _show_help
    return option


class _Commands(click.Group):
    """A group whose commands are loaded one by one, so that help needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"driftcheck.cli.{COMMANDS[cmd_name][0]}").command
        _answer_help(command.get_help_option(ctx))
        return command

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return _answer_help(super().get_help_option(ctx))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            if not close or args[0] in COMMANDS:
                raise
            raise click.UsageError(f"{error.message} Did you mean {close[0]!r}?", ctx) from None


@click.group(
    cls=_Commands,
    context_settings={
        "auto_envvar_prefix": "DRIFTCHECK",
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
)
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    allow_from_autoenv=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def driftcheck() -> None:
    """Tell whether LangSmith Deployments are what their YAML says.

    Exit status: 0 in sync, 1 drift, 2 invalid input, 3 could not tell, 4 a defect of driftcheck.
    """


def main(arguments: Sequence[str]) -> int:
    """Run the command line; gives the exit status (docs/contract.md, Exit status), whatever happens."""
    console.prepare()
    ended = _told_of_signals()
    try:
        status = _run_and_tell(arguments, ended)
        return console.close(ended[0] if ended else status)
    except (KeyboardInterrupt, _Terminated):  # while an error was told, or the streams were closed
        return ended[0] if ended else INTERRUPTED


def _run_and_tell(arguments: Sequence[str], ended: Sequence[int]) -> int:
    try:
        status = _run(arguments)
        console.flush()
    except DriftcheckError as error:
        console.say_error(error)
        return error.status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseException as error:
        if not ended:
            console.say_defect(error)
        return ExitStatus.DEFECT
    return status


def _told_of_signals() -> Sequence[int]:
    """Handle SIGINT, unless it is ignored, and SIGTERM; gives a list that grows by the status of each that comes.

    What a signal raises may be lost or become another error in a library that it breaks off.
    """
    ended: list[int] = []

    def interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
        ended.append(INTERRUPTED)
        raise KeyboardInterrupt

    def terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
        ended.append(TERMINATED)
        raise _Terminated

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, terminate)
    return ended


def _without_key(error: click.ClickException) -> click.ClickException:
    """Say where a key belongs in place of click's advice or of a key that click would quote."""
    from driftcheck.redaction.patterns import is_secret

    context = error.ctx if isinstance(error, click.UsageError) else None
    name = error.option_name if isinstance(error, click.NoSuchOption) else ""
    meant = next((each for each in _KEY_OPTIONS if name.startswith(each) and not name.startswith("--api-key-")), None)
    if meant is not None:  # a key may be glued to it
        told = f"There is no option {meant}"
    elif is_secret(error.format_message()):
        told = "An argument that can't be used looks like a credential, and is not repeated here"
    else:
        return error
    return click.UsageError(f"{told}: the API key comes from the environment (LANGSMITH_API_KEY).", context)


def _run(arguments: Sequence[str]) -> int:
    try:
        status = driftcheck.main(list(arguments), prog_name="driftcheck", standalone_mode=False)
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        _without_key(error).show(sys.stderr)
        return ExitStatus.INVALID
    except SystemExit as ended:
        if COMPLETION not in os.environ:
            raise
        return ended.code if isinstance(ended.code, int) else ExitStatus.DEFECT
    return status if isinstance(status, int) else ExitStatus.IN_SYNC
