import subprocess

from embedded.node import EMBEDDED_FOLDER, find_node, install_packages


def test_the_unit_tests_in_javascript_pass() -> None:
    install_packages()
    tests = sorted(EMBEDDED_FOLDER.glob("engine/*.test.mjs"))
    run = subprocess.run(
        [find_node().executable, "--test", *tests], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout
    assert len(tests) > 0
