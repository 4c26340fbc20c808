import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from embedded.errors import StartFailedError
from embedded.node import EMBEDDED_FOLDER
from embedded.process import NodeProgram

READY = 'process.stdout.write(\'{"event":"ready","port":4711}\\n\');'
STAY = "process.stdin.resume();"
SUPERVISION = EMBEDDED_FOLDER / "supervision.mjs"

Start = Callable[..., NodeProgram]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    def start_source(source: str, *arguments: str, timeout_seconds: float = 10.0) -> NodeProgram:
        script = tmp_path / "program.mjs"
        script.write_text(textwrap.dedent(source))
        return NodeProgram.start(
            script,
            *arguments,
            log_path=tmp_path / "logs" / "program.log",
            ready_timeout_seconds=timeout_seconds,
        )

    return start_source


def process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while process_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not process_exists(pid)


def test_a_ready_program_reports_its_details(start: Start) -> None:
    with start(READY + STAY) as program:
        assert program.ready["port"] == 4711
        assert program.exit_status is None


def test_arguments_reach_the_program(start: Start) -> None:
    source = "console.log(JSON.stringify({event:'ready', arguments: process.argv.slice(2)}));"
    with start(source + STAY, "--port", "0") as program:
        assert program.ready["arguments"] == ["--port", "0"]


def test_other_output_before_the_ready_line_is_ignored(start: Start) -> None:
    with start("console.log('hello'); console.log('[1]');" + READY + STAY) as program:
        assert program.ready["port"] == 4711


def test_a_program_leads_a_process_group_of_its_own(start: Start) -> None:
    with start(READY + STAY) as program:
        assert os.getpgid(program.pid) == program.pid != os.getpgid(0)


def test_a_reported_error_is_raised_with_its_code_and_message(start: Start) -> None:
    source = """
        console.log(JSON.stringify({event: "error", code: "taken", message: "Port is taken."}));
        process.stdin.resume();
    """
    with pytest.raises(StartFailedError, match=r"Port is taken\.") as caught:
        start(source)
    assert caught.value.code == "taken"


def test_an_early_exit_is_raised_with_the_log_and_its_last_lines(start: Start) -> None:
    source = "for (let i = 0; i < 50; i++) console.error(`line ${i}`); process.exitCode = 3;"
    with pytest.raises(StartFailedError, match="ended with status 3") as caught:
        start(source)
    assert caught.value.code == "exited"
    assert str(caught.value.log_path) in str(caught.value)
    assert "line 49" in str(caught.value)
    assert "line 29" not in str(caught.value)


def test_the_last_lines_of_the_log_are_those_of_this_start(start: Start) -> None:
    with pytest.raises(StartFailedError, match="first try"):
        start("console.error('first try');")
    with pytest.raises(StartFailedError, match="second try") as caught:
        start("console.error('second try');")
    assert "first try" not in str(caught.value)


def test_a_program_that_never_becomes_ready_is_killed_at_the_timeout(
    start: Start, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    source = f"""
        import {{ writeFileSync }} from "node:fs";
        writeFileSync({str(pid_file)!r}, String(process.pid));
        process.stdin.resume();
    """
    with pytest.raises(StartFailedError, match="not ready after 1 s") as caught:
        start(source, timeout_seconds=1)
    assert caught.value.code == "timeout"
    assert not process_exists(int(pid_file.read_text()))


def test_output_after_the_ready_line_never_blocks_the_program(start: Start) -> None:
    source = """
        for (let i = 0; i < 4; i++) process.stdout.write("x".repeat(100_000) + "\\n", finish);
        let written = 0;
        function finish() { if (++written === 4) process.exit(0); }
    """
    with start(READY + STAY + source) as program:
        assert program.wait(10) == 0


def test_terminate_lets_the_program_handle_sigterm(start: Start) -> None:
    program = start("process.on('SIGTERM', () => process.exit(7));" + READY + STAY)
    assert program.terminate() == 7


def test_terminate_kills_a_program_that_does_not_stop_in_time(start: Start) -> None:
    program = start("process.on('SIGTERM', () => {});" + READY + STAY)
    assert program.terminate(timeout_seconds=0.2) == -signal.SIGKILL


def test_kill_ends_the_program_at_once_and_may_be_repeated(start: Start) -> None:
    program = start(READY + STAY)
    assert program.kill() == -signal.SIGKILL
    assert program.kill() == -signal.SIGKILL


def test_waiting_for_a_running_program_times_out(start: Start) -> None:
    with start(READY + STAY) as program, pytest.raises(TimeoutError):
        program.wait(0.05)


SUPERVISED = f"""
    import {{ announceReady, stopWithParent }} from {str(SUPERVISION)!r};
    stopWithParent(() => console.error("stopped cleanly"));
    announceReady({{}});
"""


def test_a_supervised_program_stops_cleanly_on_sigterm(start: Start) -> None:
    program = start(SUPERVISED)
    assert program.terminate() == 0
    assert program.log_path.read_text() == "stopped cleanly\n"


def test_a_program_whose_stop_fails_exits_with_status_1(start: Start) -> None:
    program = start(SUPERVISED.replace('console.error("stopped cleanly")', "{ throw 1 }"))
    assert program.terminate() == 1


def test_a_program_that_cannot_start_exits_and_reports_why(start: Start) -> None:
    source = f"""
        import {{ announceError, stopWithParent }} from {str(SUPERVISION)!r};
        announceError("lock_held", "Another one runs.");
    """
    with pytest.raises(StartFailedError, match=r"Another one runs\.") as caught:
        start(source)
    assert caught.value.code == "lock_held"


STARTING = f"""
    import {{ writeSync }} from "node:fs";
    import {{ exitWithParent }} from {str(SUPERVISION)!r};
    exitWithParent();
    writeSync(2, String(process.pid));
    setTimeout(() => writeSync(2, " still starting"), 60_000);
"""


def killed_parent_of(script: Path, log: Path) -> None:
    """Run the script as the child of a process that is killed once the child has logged."""
    parent_source = f"""
        from pathlib import Path
        from embedded.process import NodeProgram
        program = NodeProgram.start(Path({str(script)!r}), log_path=Path({str(log)!r}))
        print(program.pid, file=program.log_path.open("a"), flush=True)
        program.wait()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(parent_source)], cwd=EMBEDDED_FOLDER.parent
    ) as parent:
        while not log.exists() or not log.read_text():
            time.sleep(0.02)
        parent.kill()


@pytest.mark.parametrize(("source", "told"), [(SUPERVISED, "\nstopped cleanly\n"), (STARTING, "")])
def test_a_supervised_program_does_not_survive_a_killed_parent(
    tmp_path: Path, source: str, told: str
) -> None:
    script, log = tmp_path / "orphan.mjs", tmp_path / "orphan.log"
    script.write_text(textwrap.dedent(source))
    killed_parent_of(script, log)
    pid = log.read_text().split()[0]
    assert wait_until_gone(int(pid))
    assert log.read_text() == f"{pid}{told}"
