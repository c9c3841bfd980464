"""How requests reach a target and how nothing is left behind there."""
