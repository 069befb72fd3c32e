"""What people look at: progress, tables, figures and pages, and where a number comes from."""
