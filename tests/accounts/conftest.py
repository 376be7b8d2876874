from tests.core.conftest import eventually as eventually
from tests.core.conftest import private_valkey as private_valkey
