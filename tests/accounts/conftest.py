from tests.core.conftest import private_valkey as private_valkey
