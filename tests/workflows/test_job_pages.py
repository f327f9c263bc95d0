"""What is said of jobs: why they wait, who carries them out, what a policy asks for."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from runner.graph.policy import Policy
from tests.workflows.jobs import Worker, let_die, post
from workflows.inspection import inspect
from workflows.job_limits import JobLimit, job_limits_in
from workflows.job_reasons import BUSY, NOBODY, SAME, Reasons
from workflows.models import Job, TaskRun
from workflows.policy_form import PolicyForm

pytestmark = pytest.mark.django_db
FULL = "Waits: 1 of 1 running in group 'mail'."
OFTEN = "Waits: 1 a minute have begun in group 'mail'."


def reason_of(job):
    return Reasons().of(Job.objects.get(pk=job.pk))


def said_of(run):
    found = inspect(run, "a")
    assert found is not None
    return found.sentence


def test_a_job_without_any_runner_says_what_to_start(run, tmp_path):
    job = post(run)
    assert reason_of(job) == NOBODY
    Worker(tmp_path)
    assert reason_of(job) == BUSY
    let_die()
    assert reason_of(job) == NOBODY


def test_a_job_that_may_not_begin_yet_says_from_when_on(run):
    assert reason_of(post(run, run_after=60)).startswith("Waits until 20")


@pytest.mark.parametrize(
    ("limit", "why"), [(JobLimit(at_once=1), FULL), (JobLimit(rate=1), OFTEN), (JobLimit(at_once=2), BUSY)]
)  # fmt: skip
def test_a_job_of_a_full_group_names_the_limit(run, tmp_path, settings, limit, why):
    settings.JOB_LIMITS = {"mail": limit}
    post(run, "a", group="mail")
    Worker(tmp_path, room=1).claim()
    assert reason_of(post(run, "b", group="mail")) == why


def test_a_job_that_is_being_done_for_another_run_says_so(run, tmp_path):
    post(run, "a", dedupe="k")
    Worker(tmp_path).claim()
    assert reason_of(post(run, "b", dedupe="k")) == SAME


def test_the_page_of_a_task_says_why_its_job_waits(run, alice, client_of):
    TaskRun.objects.create(run=run, path="a", status="queued", reason=NOBODY)
    assert said_of(run) == f"It was posted to the job queue. {NOBODY}"
    page = client_of(alice).get(f"/runs/{run.pk}/tasks/a/", follow=True).content.decode()
    assert "start `manage.py run_job_queue`" in page


def test_the_page_of_a_task_names_the_runner_that_carries_it_out(run, tmp_path):
    TaskRun.objects.create(run=run, path="a", status="running", attempt=1)
    assert said_of(run) == "It is running."
    post(run)
    Worker(tmp_path, "worker-7").claim()
    assert "Job queue runner worker-7 on here began it just now." in said_of(run)
    let_die("worker-7")
    Worker(tmp_path, "worker-8").claim()
    assert "2 runners have begun it." in said_of(run)


# ── what is asked for ───────────────────────────────────────────────────────────────────────────


def test_the_limits_of_groups_are_read_from_one_text():
    assert job_limits_in("mail=4, mail=30/hour ,gpu=1") == {
        "mail": JobLimit(at_once=4, rate=30, time="hour"),
        "gpu": JobLimit(at_once=1),
    }
    assert job_limits_in("") == {}


@pytest.mark.parametrize("text", ["mail", "mail=0", "mail=x", "=3", "mail=3/week"])
def test_limits_that_make_no_sense_are_refused_with_an_example(text):
    with pytest.raises(ImproperlyConfigured, match="mail=4,mail=30/minute"):
        job_limits_in(text)


def test_the_form_of_a_policy_posts_a_task_to_the_queue():
    said = {
        "place": "queue",
        "priority": "5",
        "run_after": "2.5",
        "deadline": "none",
        "dedupe": "k",
    }
    form = PolicyForm({}, {f"policy-{name}": value for name, value in said.items()}, Policy())
    assert form.is_valid()
    expected = {"place": "queue", "priority": 5, "run_after": 2.5, "deadline": None, "dedupe": "k"}
    assert form.document() == expected


def test_the_form_of_a_policy_takes_a_task_out_of_the_queue():
    form = PolicyForm({}, {"policy-place": "here"}, Policy(place="queue"))
    assert form.is_valid()
    assert Policy(place="queue").overridden(form.document()) == Policy()
    shown = PolicyForm({"place": ""}, None, Policy(place="queue"))["place"].as_widget()
    assert 'value="here" selected' in shown


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("priority", "101", "-100 to 100"), ("run_after", "-1", "seconds, 0 or more"), ("deadline", "0", "above 0")],
)  # fmt: skip
def test_a_wish_that_makes_no_sense_is_refused_beside_its_field(field, value, words):
    form = PolicyForm({}, {f"policy-{field}": value}, Policy())
    assert words in form.errors[field][0]


# ── the admin ───────────────────────────────────────────────────────────────────────────────────


def test_the_admin_says_why_jobs_wait_and_which_runners_live(
    run, tmp_path, client_of, django_user_model
):
    root = client_of(django_user_model.objects.create_superuser("root", password="river-delta-42"))
    post(run, "a")
    page = root.get("/admin/workflows/job/").content.decode()
    assert "start `manage.py run_job_queue`" in page
    Worker(tmp_path, "worker-7").claim()
    post(run, "b")
    assert BUSY in root.get("/admin/workflows/job/").content.decode()
    lives = root.get("/admin/workflows/jobworker/").content.decode()
    assert "worker-7" in lives
    assert 'alt="True"' in lives
