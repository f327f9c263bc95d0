"""Language models: any service that speaks as OpenAI's does, and what works without one."""
