import subprocess

from embedded.node import HERE, find_node, install_packages


def test_the_programs_own_unit_tests_pass() -> None:
    install_packages()
    tests = sorted(HERE.glob("engine/*.test.mjs"))
    run = subprocess.run(
        [find_node().executable, "--test", *tests], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout
    assert len(tests) > 0
