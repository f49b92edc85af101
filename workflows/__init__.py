"""Order: which step follows which, and what runs side by side. May import: domain, activities (as stubs)."""
