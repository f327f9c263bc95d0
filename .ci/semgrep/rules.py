# A breach of each rule, planted; `semgrep --test` says whether each is found, and what is fine is not.
import asyncio
import urllib.request

# ruleid: objects-from-bytes
import pickle

# ruleid: requests-past-the-guard
import httpx2


def shown(text):
    # ruleid: html-that-nobody-escapes
    return mark_safe(text)


def fetched(request, id):
    # ruleid: fetched-without-asking-who-asks
    run = Run.objects.get(pk=id)
    # ruleid: fetched-without-asking-who-asks
    team = get_object_or_404(Team, pk=id)
    # ok: fetched-without-asking-who-asks
    link = get_object_or_404(run.share_links, pk=id)
    return run, team, link


def read(text):
    # ruleid: objects-from-bytes
    return yaml.load(text)


def asked(address):
    # ruleid: requests-past-the-guard
    return urllib.request.urlopen(address)


async def begun(work):
    # ruleid: task-that-nobody-owns
    asyncio.create_task(work())
    # ok: task-that-nobody-owns
    kept = asyncio.create_task(work())
    async with asyncio.TaskGroup() as group:
        # ok: task-that-nobody-owns
        group.create_task(work())
    return kept


def silent(act):
    # ruleid: failure-that-nobody-hears-of
    try:
        act()
    except Exception:
        pass


def written(template, record):
    # ok: format-that-somebody-else-wrote
    fine = "{}".format(record)
    # ruleid: format-that-somebody-else-wrote
    return fine + template.format(record)


def computed(text):
    # ruleid: code-from-text
    return eval(text)


# ruleid: post-that-anybody-may-forge
@csrf_exempt
def forged(request):
    return None
