"""The store: everything about jobs and their webhooks that is kept in Redis."""

from redis.asyncio import Redis

from nlp2filters.storage.batches import Batches
from nlp2filters.storage.call_budgets import CallBudgets
from nlp2filters.storage.commits import Commits
from nlp2filters.storage.counts import SharedCounts
from nlp2filters.storage.deliveries import Deliveries
from nlp2filters.storage.erasures import Erasures
from nlp2filters.storage.failures import Failures
from nlp2filters.storage.idempotency import IdempotencyKeys
from nlp2filters.storage.jobs import Jobs
from nlp2filters.storage.parts import Parts
from nlp2filters.storage.provider_states import ProviderStates
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.searches import Searches
from nlp2filters.storage.spending import Spending
from nlp2filters.storage.stats import Stats
from nlp2filters.storage.submissions import Submissions
from nlp2filters.storage.unfinished import UnfinishedWork


class Store:
    """Repositories that share a connection and the names of keys. A finished job is kept for `retention_s`."""

    def __init__(self, redis: Redis, keys: Keys, *, retention_s: int) -> None:
        self.redis = redis
        self.keys = keys
        retention_ms = 1000 * retention_s
        commits = Commits(redis, keys, retention_ms)
        submissions = Submissions(redis, keys, commits, retention_ms)
        self.jobs = Jobs(redis, keys, commits, submissions)
        self.parts = Parts(redis, keys, commits, self.jobs)
        self.batches = Batches(redis, keys, commits, submissions)
        self.erasures = Erasures(redis, keys, self.jobs)
        self.deliveries = Deliveries(redis, keys, retention_ms)
        self.idempotency_keys = IdempotencyKeys(redis, keys)
        self.searches = Searches(redis, keys)
        self.unfinished = UnfinishedWork(redis, keys)
        self.stats = Stats(redis, keys)
        self.counts = SharedCounts(redis, keys)
        self.failures = Failures(redis, keys)
        self.spending = Spending(redis, keys, retention_ms)
        self.call_budgets = CallBudgets(redis, keys, retention_ms)
        self.providers = ProviderStates(redis, keys)
