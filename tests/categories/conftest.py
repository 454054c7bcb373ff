"""What tests of categories share: k-means of few points on one thread."""

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True)
def _one_thread():
    # Threads that wait for each other take many times as long when the cores are busy with other tests.
    with threadpool_limits(1):
        yield
