"""The HTML report: template, style, script, drawings."""
