"""Where a person is told of what waits for them."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from workflows.http import Request
from workflows.models import MailWish
from workflows.reminding import is_on


class MailForm(forms.Form):
    """An address, and of what to be told there."""

    email = forms.EmailField(
        required=False,
        max_length=254,
        label="Address",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text="Without one, nothing is sent.",
    )
    about = forms.ChoiceField(
        choices=MailWish.About.choices, label="Tell me of", widget=forms.RadioSelect
    )


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mail(request: Request) -> HttpResponse:
    """Say of what the person is told by mail, and where to."""
    wish = MailWish.objects.filter(person=request.user).first() or MailWish(person=request.user)
    now = {"email": request.user.email, "about": wish.about}
    form = MailForm(request.POST if request.method == "POST" else None, initial=now)
    if request.method == "POST" and form.is_valid():
        User.objects.filter(pk=request.user.pk).update(email=form.cleaned_data["email"])
        wish.about = form.cleaned_data["about"]
        wish.save()
        messages.info(request, "It is kept.")
        return HttpResponseRedirect(reverse("me"), status=303)
    page = {"form": form, "is_on": is_on()}
    return render(request, "people/mail.html", page, status=422 if form.errors else 200)
