"""E-mail, by the mailers that the operator set up."""
