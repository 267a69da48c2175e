/* SPDX-License-Identifier: GPL-2.0 */
/* Names of PCI devices, from the file pci.ids if the host has it. */
#ifndef VFIOSCOPE_DEVICES_PCI_IDS_H
#define VFIOSCOPE_DEVICES_PCI_IDS_H

#include <stddef.h>
#include <stdint.h>

struct vs_pci_ids;

/* Reads the file where distributions have it, below @root. NULL: there is none, and names are not known. */
struct vs_pci_ids *vs_pci_ids__read(const char *root);
struct vs_pci_ids *vs_pci_ids__of_text(char *text);	/* takes the malloc'ed text; NULL without memory */
void vs_pci_ids__free(struct vs_pci_ids *ids);	/* NULL is fine */

/* Copies the names as the file has them; "" if it does not know. A NULL @ids knows none. */
void vs_pci_ids__vendor(const struct vs_pci_ids *ids, uint16_t vendor, char *buf, size_t size);
void vs_pci_ids__device(const struct vs_pci_ids *ids, uint16_t vendor, uint16_t device, char *buf, size_t size);

#endif
