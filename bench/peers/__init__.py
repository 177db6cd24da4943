"""Other job systems, each with a program here that runs in an environment of its own."""
