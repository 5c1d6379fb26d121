import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Problems here are tiny: a second thread only waits, and beside other workers it waits long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
