/* SPDX-License-Identifier: GPL-2.0 */
/* Pieces of XML, for JUnit reports. XML 1.0 cannot express most control characters: vs_out escapes them. */
#ifndef VFIOSCOPE_XML_H
#define VFIOSCOPE_XML_H

#include "base/out.h"

/* Writes a text between tags. */
void vs_xml__text(struct vs_out *o, const char *text);

/* Writes ` name="value"`. */
void vs_xml__attribute(struct vs_out *o, const char *name, const char *value);

#endif
