"""The command `driftcheck`: its subcommands, and the only place that turns errors into an exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final

import click

from driftcheck import __version__
from driftcheck.cli import console
from driftcheck.errors import ExitStatus

_KEY_OPTIONS: Final = frozenset(("--api-key", "--api_key", "--apikey", "--key", "--token"))
"""Options that people look for and that do not exist, because command lines are visible to other users."""

_FORMAT_OPTIONS: Final = frozenset(("--format", "--output-format", "--json", "--html", "--sarif", "--junit"))

COMMANDS: Final[dict[str, str]] = {
    "check": "Compare declared with live, field by field: the main job, for CI.",
    "validate": "Validate the declarations: YAML, schema and rules. Offline.",
    "render": "Print the declarations with defaults and overlays merged. Offline.",
    "audit": "Check a whole workspace: unmanaged deployments, coverage, rollouts.",
    "history": "Show what is open and since when, recorded runs and trends.",
    "adopt": "Accept live values into the YAML; prints a diff, --write edits.",
    "plan": "Print the requests that bring live back to what is declared.",
    "report": "Render a saved JSON report in any format. Offline.",
    "snapshot": "Save the live listing, redacted, for --live.",
    "compare": "Compare two snapshots, or a snapshot with what is live now.",
    "export": "Write declarations from what is live.",
    "init": "Write a configuration and first declarations.",
    "explain": "Explain a rule or a field, or list them.",
    "schema": "Print a JSON Schema: of declarations, reports, plans and others.",
    "emulate": "Serve a snapshot on loopback as the control plane would.",
}
"""Every command, a module of this package that is imported when it is called, and its line in the help."""


def _showing(text: Callable[[click.Context], str]) -> Callable[[click.Context, click.Parameter, bool], None]:
    """Return the callback of an option that prints a text and ends the command.

    It is written as reports are: click ignores a closed standard output, and crashes on a full one.
    """

    def show(context: click.Context, _option: click.Parameter, asked: bool) -> None:
        if asked and not context.resilient_parsing:
            console.write(f"{text(context)}\n")
            context.exit()

    return show


def _answer_help(option: click.Option | None) -> click.Option | None:
    if option is not None:
        option.callback = _showing(click.Context.get_help)
    return option


class _Commands(click.Group):
    """A group whose commands are imported when they are called, so that help needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        from driftcheck.environment import unset_blank_options

        unset_blank_options()
        command: click.Command = import_module(f"driftcheck.cli.{cmd_name}").command
        for each in (command, *(command.commands.values() if isinstance(command, click.Group) else ())):
            _answer_help(each.get_help_option(ctx))
        return command

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return _answer_help(super().get_help_option(ctx))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])

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
    callback=_showing(lambda _: f"driftcheck {__version__}"),
    help="Show the version and exit.",
)
def driftcheck() -> None:
    """Detect drift between LangSmith Deployments and the YAML that declares them.

    Exit status: 0 in sync or passed, 1 drift, 2 invalid input, 3 incomplete, 4 internal error.
    """


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit status (docs/contract.md, Exit status), whatever happens.

    A command returns its status, or None for success.
    """
    console.prepare()
    try:
        status = _run(arguments)
    except Exception as error:
        status = console.say_failure(error)
    return console.close(status)


def _without_key(error: click.ClickException) -> click.ClickException:
    """Say where a key belongs, instead of click's message, which may quote the key."""
    from driftcheck.redaction.patterns import is_secret

    context = error.ctx if isinstance(error, click.UsageError) else None
    name = error.option_name if isinstance(error, click.NoSuchOption) else ""
    key = next((each for each in _KEY_OPTIONS if name.startswith(each) and not name.startswith("--api-key-")), None)
    if key is not None or is_secret(error.format_message()):  # a key may be glued to the option
        what = (
            f"No such option: {key}" if key else "An invalid argument looks like a credential and is not repeated here"
        )
        return click.UsageError(f"{what}: the API key comes from the environment (LANGSMITH_API_KEY).", context)
    if name == "--live" and context is not None and context.info_name == "compare":
        return click.UsageError("No such option: --live. Name both listings: driftcheck compare A B.", context)
    if name in _FORMAT_OPTIONS:
        return click.UsageError(f"No such option: {name}. Choose the format with -o, as in -o json=FILE.", context)
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        from difflib import get_close_matches

        closest = get_close_matches(name, error.possibilities, n=1)
        return click.NoSuchOption(name, possibilities=closest or error.possibilities, ctx=context)
    return error


def _run(arguments: Sequence[str]) -> int:
    try:
        status = driftcheck.main(list(arguments), prog_name="driftcheck", standalone_mode=False)
    except click.ClickException as error:
        _without_key(error).show(sys.stderr)
        return ExitStatus.INVALID
    except SystemExit as ended:
        from driftcheck.environment import is_completing

        if not is_completing():
            raise
        return ended.code if isinstance(ended.code, int) else ExitStatus.DEFECT
    return status if isinstance(status, int) else ExitStatus.IN_SYNC
