"""The address of a service on this machine, for clients that are told no other."""

URL = "http://127.0.0.1:8000"
