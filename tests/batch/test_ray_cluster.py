"""The Ray engine on a real local cluster. Needs the extra `ray`: `pytest -m ray`."""

from pathlib import Path

import pytest
from probe_sandwich.batch.answering import answer_files
from probe_sandwich.batch.question import Question
from probe_sandwich.options import Options
from probe_sandwich.settings import Settings

from tests.conftest import EXAMPLES, SAME_P

ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]


def test_a_cluster_answers_as_this_process_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from probe_sandwich.batch.ray_cluster import AnsweringRayCluster  # noqa: PLC0415 - only where Ray is installed
    from probe_sandwich.cluster import Cluster  # noqa: PLC0415

    monkeypatch.chdir(EXAMPLES[0].parent)
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"junk")
    files = [bad, *(Path(path.name) for path in EXAMPLES)]
    asked = Question(Settings().model, "cpu", Options(direct_test=False, noise_draws=1))
    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    try:
        there = {answered.file: answered for answered in answer_files(files, asked, AnsweringRayCluster(Cluster()))}
    finally:
        ray.shutdown()
    here = {answered.file: answered for answered in answer_files(files, asked)}
    assert set(there) == set(here) == {str(file) for file in files}
    assert there[str(bad)] == here[str(bad)]
    for file in files[1:]:
        one, other = there[str(file)].diagnosis, here[str(file)].diagnosis
        assert one is not None
        assert other is not None
        assert one.member_probabilities == pytest.approx(other.member_probabilities, abs=2 * SAME_P)
