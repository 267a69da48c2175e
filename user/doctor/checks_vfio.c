// SPDX-License-Identifier: GPL-2.0
/* These checks look at vfio.ko, its file and its devices. */
#include <string.h>

#include "doctor/judge.h"

static bool differ(const char *a, const char *b)
{
	return a[0] && b[0] && strcmp(a, b);
}

static bool is_other_build(const struct vs_host_state *h)
{
	return differ(h->facts->running_build_id, h->env->file_build_id) ||
	       differ(h->env->srcversion, h->env->file_srcversion);
}

/* Names the two builds as an administrator compares them: by build-id, or as modinfo shows them. */
static void say_which(const struct vs_host_state *h, struct vs_diag_result *r)
{
	bool by_id = differ(h->facts->running_build_id, h->env->file_build_id);

	vs_judge__value(r, "the file is of another build");
	vs_judge__what(r, "vfio.ko in /lib/modules is not the one that is loaded: %s %.12s, loaded "
		       "%.12s.", by_id ? "build-id" : "srcversion",
		       by_id ? h->env->file_build_id : h->env->file_srcversion,
		       by_id ? h->facts->running_build_id : h->env->srcversion);
	vs_judge__remedy(r, "Most often the kernel's package was updated: reboot into the installed "
			 "kernel.");
}

/* One of the words in ID or ID_LIKE. */
static bool is_like(const struct vs_env *env, const char *id)
{
	size_t len = strlen(id);

	if (!strcmp(env->os_id, id))
		return true;
	for (const char *at = env->os_like; (at = strstr(at, id)); at += len)
		if ((at == env->os_like || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
	return false;
}

/*
 * Names the package of vfio.ko, if the kernel is the distribution's own: others have packages of
 * other names. RHEL 9 and Fedora have split kernel-core.
 */
static void put_back(const struct vs_host_state *h, struct vs_diag_result *r)
{
	const char *release = h->facts->release;
	bool rpm = strstr(release, ".fc") || strstr(release, ".el");

	if (rpm && strstr(release, "uek"))
		return;
	if (rpm && is_like(h->env, "fedora"))
		vs_judge__command(r, strstr(release, ".el8") ?
				  "sudo dnf reinstall kernel-core-%s kernel-modules-%s" :
				  "sudo dnf reinstall kernel-modules-core-%s kernel-modules-%s",
				  release, release);
	else if (!rpm && is_like(h->env, "ubuntu"))
		vs_judge__command(r, "sudo apt-get install --reinstall linux-modules-%s", release);
	else if (!rpm && is_like(h->env, "debian") && !strstr(release, "pve"))
		vs_judge__command(r, "sudo apt-get install --reinstall linux-image-%s", release);
}

static void say_unreadable(const struct vs_host_state *h, struct vs_diag_result *r)
{
	vs_judge__value(r, "the file cannot be read");
	vs_judge__what(r, "%.200s.", h->facts->vfio_error[0] ? h->facts->vfio_error
		       : "vfio.ko cannot be read");
	vs_judge__remedy(r, "In a container: start it with -v /lib/modules:/lib/modules:ro. Else "
			 "put back the package of the running kernel that vfio.ko is in.");
	put_back(h, r);
}

static void judge_module(const struct vs_host_state *h, struct vs_diag_result *r)
{
	const struct vs_facts *f = h->facts;

	if (f->vfio_state == VS_KMOD_BUILTIN || f->vfio_state == VS_KMOD_ABSENT) {
		vs_judge__unknown(r, f->vfio_state == VS_KMOD_BUILTIN ? "built in" :
				  "not on this system");
		return;
	}
	vs_judge__value(r, f->vfio_state == VS_KMOD_LOADED ? "the file is the one loaded"
			: "not loaded yet");
	if (f->vfio_state == VS_KMOD_LOADED ? f->vfio_file && !is_other_build(h) : f->vfio_file)
		return;
	vs_judge__bad(r, VS_DIAG_WEAKER, LIVE, VS_EXIT_OK);
	vs_judge__cost(r, "inlined gets and puts are not found: trace and refs see no references, "
		       "validate is inconclusive, inspect --running has no verdict");
	if (f->vfio_state == VS_KMOD_LOADED && is_other_build(h))
		say_which(h, r);
	else
		say_unreadable(h, r);
}

/* Other checks find a livepatch and a file of another build; nothing else finds this. */
static void judge_text(const struct vs_host_state *h, struct vs_diag_result *r)
{
	if (h->env->text_as_file == VS_UNKNOWN) {
		vs_judge__unknown(r, "not compared");
		if (h->env->text_words[0])
			vs_judge__value(r, "not compared: %s", h->env->text_words);
		return;
	}
	vs_judge__value(r, h->env->text_as_file ? "as in its file (%d bytes)"
			: "not as in its file", h->env->text_bytes);
	if (h->env->text_as_file)
		return;
	vs_judge__bad(r, VS_DIAG_WEAKER, LIVE | WORK(LATENCY), VS_EXIT_OK);
	vs_judge__what(r, "%.238s.", h->env->text_words);
	vs_judge__cost(r, "what the changed code does is not known: findings may be wrong, all "
		       "verdicts are inconclusive; no probe is put where an instruction differs");
	vs_judge__remedy(r, "Something wrote over vfio.ko after it was loaded: a security "
			 "product, a patching tool, or memory that fails. Load vfio.ko again, or "
			 "reboot; if it comes back, look for who does it. Modules from elsewhere:");
	vs_judge__command(r, "grep . /sys/module/*/taint");
}

/* We read only a built-in VFIO from there; open_kcore() requires CAP_SYS_RAWIO. */
static void judge_kcore(const struct vs_host_state *h, struct vs_diag_result *r)
{
	if (h->facts->vfio_state == VS_KMOD_ABSENT) {
		vs_judge__unknown(r, "not asked: there is no VFIO");
		return;
	}
	if (h->facts->vfio_state != VS_KMOD_BUILTIN) {
		vs_judge__value(r, "not needed: VFIO is a module");
		return;
	}
	vs_judge__value(r, h->env->kcore_readable == 1 ? "readable" :
			h->env->kcore_readable == 0 ? "not readable" : "not there");
	if (h->env->kcore_readable == 1)
		return;
	vs_judge__bad(r, VS_DIAG_WEAKER, WORK(INSPECT), VS_EXIT_PERMISSION);
	vs_judge__what(r, "VFIO is built into this kernel, and /proc/kcore cannot be read.");
	vs_judge__cost(r, "inspect --running cannot say whether the fix is in; inlined gets and "
		       "puts are not found");
	vs_judge__remedy(r, "Run as root (CAP_SYS_RAWIO; not in a container, not under lockdown), "
			 "or give inspect the kernel's file:");
	vs_judge__command(r, "vfioscope inspect /boot/vmlinuz-%s", h->facts->release);
}

static void judge_iommu(const struct vs_host_state *h, struct vs_diag_result *r)
{
	int groups = h->facts->iommu_groups;

	vs_judge__value(r, groups > 0 ? "%d" : "none", groups);
	if (groups > 0)
		return;
	vs_judge__bad(r, VS_DIAG_NOTE, 0, VS_EXIT_OK);
	vs_judge__what(r, "This host has no IOMMU groups: VFIO has nothing to work with.");
	vs_judge__cost(r, "nothing is broken, and there is nothing to see");
	vs_judge__remedy(r, "Switch the IOMMU on in the firmware (VT-d, AMD-Vi); Intel also needs "
			 "intel_iommu=on on the kernel's command line. What it said at boot:");
	vs_judge__command(r, "sudo dmesg | grep -iE 'dmar|iommu'");
}

const struct vs_diag vs_diags_vfio[] = {
	{ "vfio-module", "vfio.ko", judge_module },
	{ "vfio-text", "text of vfio.ko in memory", judge_text },
	{ "kcore", "/proc/kcore", judge_kcore },
	{ "iommu", "IOMMU groups", judge_iommu },
	{ .id = NULL },
};
