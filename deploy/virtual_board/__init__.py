"""An ARM board without hardware: a Debian system under full emulation, reached by real OpenSSH on the loopback.

`python -m deploy.virtual_board up` starts one; tests use `VirtualBoard` of `board.py`. What it measures says nothing
about the speed of a board; what it does shows that things work there.
"""
