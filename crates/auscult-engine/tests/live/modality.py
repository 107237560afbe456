"""A modality of the PyPI package pynetdicom: greets an archive, and stores one image with it.

Arguments: address, port, title called, title calling, transfer syntax (implicit, explicit or big).
All that it says of equipment and patient is invented.
"""

import sys

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.sop_class import CTImageStorage, Verification

address, port, called, calling, written = sys.argv[1:]
syntax = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "big": ExplicitVRBigEndian,
}[written]

image = Dataset()
image.file_meta = FileMetaDataset()
image.file_meta.TransferSyntaxUID = syntax
image.SOPClassUID = CTImageStorage
image.SOPInstanceUID = "1.2.826.0.1.3680043.10.2.1"
image.SpecificCharacterSet = "ISO_IR 100"
image.StudyDate = "20261125"
image.Modality = "CT"
image.Manufacturer = "Invented Tomography"
image.ManufacturerModelName = "Slice Nought"
image.StationName = calling
other = Dataset()
other.PatientID = "INV-70114404"
image.OtherPatientIDsSequence = Sequence([other])
image.PatientName = "SYNTHETISA^NULLA"
image.PatientID = "INV-70114403"
image.PatientBirthDate = "19870915"
image.DeviceSerialNumber = "SN-0002"
image.SoftwareVersions = "4.4.1"
image.StudyInstanceUID = "1.2.826.0.1.3680043.10.2.2"
image.SeriesInstanceUID = "1.2.826.0.1.3680043.10.2.3"
image.SamplesPerPixel = 1
image.PhotometricInterpretation = "MONOCHROME2"
image.Rows = image.Columns = 200
image.BitsAllocated = image.BitsStored = 16
image.HighBit = 15
image.PixelRepresentation = 0
image.PixelData = bytes(200 * 200 * 2)

ae = AE(ae_title=calling)
ae.add_requested_context(Verification)
ae.add_requested_context(CTImageStorage, syntax)
association = ae.associate(address, int(port), ae_title=called)
assert association.is_established, "not accepted"
assert association.send_c_echo().Status == 0
assert association.send_c_store(image).Status == 0
association.release()
