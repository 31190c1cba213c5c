"""The command line, by topic; `conftest.py` holds the working folder that all tests share."""
