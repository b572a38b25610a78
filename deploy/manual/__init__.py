"""The manual: what the site and the man pages say of the code is made out of the code."""
