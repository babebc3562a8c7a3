"""Mail: letters written from templates, a bounded queue, and SMTP."""
