"""Templates as a marketer handles them: checked, kept in versions, looked at as any customer, sent to colleagues."""

from messaging.templates.checks import check_templates

__all__ = ["check_templates"]
