"""The version of the package, which is that of the program it drives (a test compares them)."""

VERSION = "0.1.0"
