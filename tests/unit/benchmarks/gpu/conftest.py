from collections.abc import Iterator

import pytest
import torch

from benchmarks.gpu.device import Processor


@pytest.fixture
def device() -> Iterator[Processor]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums are added in the same order in every run, and other tests have the cores
    opened = Processor()
    yield opened
    opened.close()
    torch.set_num_threads(threads)
