"""The README's Python, run as a reader would: block after block, in an empty folder."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
THE_READERS_OWN = """
class MyModel:
    pass


from sklearn.ensemble import RandomForestClassifier

fitted_forest = RandomForestClassifier(300, max_depth=3, random_state=0).fit(X, y)
"""


@pytest.mark.slow
def test_python_blocks_run_in_order(tmp_path: Path) -> None:
    first, *others = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.M | re.S)
    script = tmp_path / "readme.py"
    script.write_text("\n".join([first, THE_READERS_OWN, *others, "print(small.n_estimators)\n"]))
    ended = subprocess.run(
        [sys.executable, "-W", "error", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "30"
    assert (tmp_path / "tumours.html").stat().st_size > 10_000
