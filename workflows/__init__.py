"""The web: the Django project and its one app."""
