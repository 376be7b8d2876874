"""How often flags were asked about, by the hour."""
