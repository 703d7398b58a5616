"""Alembic migrations, shipped inside the package so that every installation can migrate."""
