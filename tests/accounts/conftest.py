from tests.core.conftest import eventually as eventually
from tests.core.conftest import persistent_valkey as persistent_valkey
from tests.core.conftest import private_valkey as private_valkey
