"""A clearinghouse beside a partner's folder: takes 276 files, answers TA1, 999 and 277."""
