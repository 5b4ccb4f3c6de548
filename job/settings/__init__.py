"""Every argument of the job, and how flags, environment and `.env` become one frozen value."""
