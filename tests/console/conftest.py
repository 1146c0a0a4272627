from tests.control.conftest import *  # noqa: F403 - the same admin port
