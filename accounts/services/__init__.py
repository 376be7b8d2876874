"""What people do with their accounts: one module a theme, one function a use case."""
