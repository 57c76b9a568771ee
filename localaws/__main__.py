"""The command localaws: starts and stops the server, and tells what is in it."""

import argparse
import json
import os
import shlex
import shutil
import sys
import webbrowser
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from localaws import lifecycle
from localaws.audit import read_invocations
from localaws.damage import kept_aside
from localaws.identity_tokens import AUDIENCE, GITHUB, TokenIssuer
from localaws.mail import Mailbox
from localaws.profile import (
    PAGE_PATH,
    Shell,
    program_environment,
    shell_lines,
    unset_lines,
)
from localaws.service_quotas.quotas import SetQuotas
from localaws.state import State, StateError, is_state, open_state

EXAMPLE = """\
example:
  python -m localaws start
  eval "$(python -m localaws env)"
  npx cdk bootstrap && npx cdk deploy --all
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 (it failed, one line says why) or 2 (usage)."""
    options = make_parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (lifecycle.LifecycleError, StateError) as error:
        print(f"localaws: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # of a state folder that is read-only, say
        if error.filename is None:
            raise
        print(f"localaws: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def make_parser() -> argparse.ArgumentParser:
    """The options of all commands."""
    parser = argparse.ArgumentParser(
        prog="python -m localaws",
        description="An AWS on this machine, with SageMaker endpoints, for one project.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version("sagemaker-mme-localaws"))
    commands = parser.add_subparsers(required=True, metavar="command")
    start = commands.add_parser("start", help="start the server; returns when it answers")
    start.set_defaults(command=_start)
    start.add_argument("--port", type=_port, help="default 4566, or a free one when that is taken")
    start.add_argument("--foreground", action="store_true", help="serve until Ctrl-C")
    start.add_argument(
        "--while",
        dest="guardian",
        type=int,
        metavar="PID",
        help="end when that process has ended, and remove the state then",
    )
    stop = commands.add_parser("stop", help="stop the server; its state stays")
    stop.set_defaults(command=_stop)
    status = commands.add_parser("status", help="say whether it runs; exit status 1 if not")
    status.set_defaults(command=_status)
    reset = commands.add_parser("reset", help="stop the server and remove its state")
    reset.set_defaults(command=_reset)
    env = commands.add_parser("env", help="print export lines for eval")
    env.set_defaults(command=_env)
    env.add_argument("--shell", type=Shell, choices=list(Shell), default=Shell.POSIX)
    env.add_argument("--unset", action="store_true", help="print what undoes it")
    run = commands.add_parser("run", help="run a command that uses localaws: run -- COMMAND")
    run.set_defaults(command=_run)
    run.add_argument("program", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    audit = commands.add_parser("audit", help="who invoked which model, allowed or denied")
    audit.set_defaults(command=_audit)
    audit.add_argument("--json", action="store_true", help="print it as JSON")
    mail = commands.add_parser("mail", help="what SNS sent to addresses; mail N shows one")
    mail.set_defaults(command=_mail)
    mail.add_argument("number", nargs="?", type=int, help="of the list")
    quota = commands.add_parser("quota", help="set a service quota, or list those that were set")
    quota.set_defaults(command=_quota)
    quota.add_argument("name", nargs="?", help="such as 'ml.m5.xlarge for endpoint usage'")
    quota.add_argument("value", nargs="?", type=_quota_value, help="0 or more; or: default")
    token = commands.add_parser("token", help="print an identity token as GitHub Actions get one")
    token.set_defaults(command=_token)
    token.add_argument("subject", help="such as repo:owner/name:environment:dev")
    token.add_argument("--issuer", default=GITHUB, help=f"default: {GITHUB}")
    token.add_argument("--audience", default=AUDIENCE, help=f"default: {AUDIENCE}")
    token.add_argument("--seconds", type=float, default=300.0, help="until it ends (default: 300)")
    page = commands.add_parser("open", help="show its page in the browser")
    page.set_defaults(command=_open)
    page.add_argument("--print", action="store_true", help="print the address, open nothing")
    for command in (start, stop, status, reset, env, run, audit, mail, quota, token, page):
        command.add_argument(
            "--state-dir",
            type=Path,
            default=Path(".localaws"),
            metavar="FOLDER",
            help="where everything is kept (default: .localaws)",
        )
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is no port: 0 to 65535 (0 takes a free one)")
    return port


def _quota_value(text: str) -> str:
    if text != "default" and not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is neither a number of instances nor: default")
    return text


def _start(options: argparse.Namespace) -> int:
    if options.foreground:
        lifecycle.run_in_foreground(options.state_dir, options.port, options.guardian)
        return 0
    running = lifecycle.start(options.state_dir, options.port, options.guardian)
    print(f"localaws runs at {running.endpoint_url}, process {running.process_id}")
    _name_damaged(options.state_dir)
    return 0


def _name_damaged(directory: Path) -> None:
    for path in kept_aside(directory):
        print(f"localaws: damaged, and begun anew without it: {path}", file=sys.stderr)


def _stop(options: argparse.Namespace) -> int:
    print("localaws stopped" if lifecycle.stop(options.state_dir) else "localaws is not running")
    return 0


def _status(options: argparse.Namespace) -> int:
    running = lifecycle.find_running(options.state_dir)
    if running is None:
        print("localaws is not running")
        return 1
    print(f"localaws runs at {running.endpoint_url}, process {running.process_id}")
    print(f"state: {options.state_dir.absolute()}")
    _name_damaged(options.state_dir)
    return 0


def _reset(options: argparse.Namespace) -> int:
    removed = lifecycle.reset(options.state_dir)
    print(f"{options.state_dir} removed" if removed else f"there is no {options.state_dir}")
    return 0


def _env(options: argparse.Namespace) -> int:
    state = _existing_state(options)
    if options.unset:
        print(unset_lines(state, options.shell))
        return 0
    if lifecycle.find_running(options.state_dir) is None:
        # A shell that used it would find nobody there, or who listens now where it did.
        raise lifecycle.LifecycleError(
            f"it is not running; first: {_start_command(options.state_dir)}"
        )
    print(shell_lines(state, options.shell))
    return 0


def _start_command(directory: Path) -> str:
    """What a person types, in the shell that this command was typed in, to start it."""
    program = sys.argv[0]
    if Path(program).name != "localaws":
        program = f"{shlex.quote(sys.executable)} -m localaws"
    elif (found := shutil.which("localaws")) and Path(found).samefile(program):
        program = "localaws"
    default = directory == Path(".localaws")
    return f"{program} start" + ("" if default else f" --state-dir {shlex.quote(str(directory))}")


def _run(options: argparse.Namespace) -> int:
    state = _existing_state(options)
    program = options.program[1:] if options.program[:1] == ["--"] else options.program
    if not program:
        print("localaws: run needs a command: localaws run -- COMMAND", file=sys.stderr)
        return 2
    try:
        os.execvpe(program[0], program, program_environment(state, os.environ))  # noqa: S606
    except OSError as error:
        print(f"localaws: {program[0]}: {error.strerror}", file=sys.stderr)
        return 1


def _existing_state(options: argparse.Namespace) -> State:
    if not is_state(options.state_dir):
        raise StateError(
            f"there is none in {options.state_dir}; first: {_start_command(options.state_dir)}"
        )
    return open_state(options.state_dir)


def _open(options: argparse.Namespace) -> int:
    from localaws.page.door import page_token

    running = lifecycle.find_running(options.state_dir)
    if running is None:
        start = _start_command(options.state_dir)
        raise lifecycle.LifecycleError(f"it is not running; first: {start}")
    token = page_token(options.state_dir)
    address = f"{running.endpoint_url}{PAGE_PATH}/?token={token}"
    if options.print or not webbrowser.open(address):
        print(address)
    return 0


def _mail(options: argparse.Namespace) -> int:
    mails = list(Mailbox(_existing_state(options).mail_directory).mails())
    if options.number is None:
        for number, mail in enumerate(mails, 1):
            print(f"{number:4}  {mail.sent}  {mail.to}  {mail.subject}")
        return 0
    if not 1 <= options.number <= len(mails):
        raise StateError(f"there is no mail {options.number}; there are {len(mails)}")
    mail = mails[options.number - 1]
    print(f"To: {mail.to}\nSubject: {mail.subject}\nDate: {mail.sent}\n\n{mail.text}", end="")
    return 0


def _quota(options: argparse.Namespace) -> int:
    quotas = SetQuotas(_existing_state(options).quotas_file)
    if options.value is not None:
        quotas.set(options.name, None if options.value == "default" else int(options.value))
    for name, value in quotas.items():
        print(f"{value:6}  {name}")
    return 0


def _token(options: argparse.Namespace) -> int:
    issuer = TokenIssuer(_existing_state(options).token_key)
    print(
        issuer.sign(
            issuer=options.issuer,
            subject=options.subject,
            audience=options.audience,
            seconds=options.seconds,
        )
    )
    return 0


def _audit(options: argparse.Namespace) -> int:
    counted = read_invocations(open_state(options.state_dir).access_log)
    if options.json:
        print(json.dumps([asdict(row) for row in counted], indent=2))
        return 0
    print("allowed  denied  unauthenticated  caller, action, endpoint, target model")
    for row in counted:
        counts = f"{row.allowed:7}  {row.denied:6}  {row.unauthenticated:15}"
        print(f"{counts}  {row.caller}  {row.action}  {row.endpoint}  {row.target_model or '-'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
